"""The query language of Graph: filters, options, advanced-query rules, paging tokens and the published types."""
