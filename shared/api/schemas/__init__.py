"""What requests bring and what is answered, a module per capability, with the names of the API.

A schema names its fields as the domain does; `msgspec.field(name=…)` says what callers call one otherwise. So
`Answer.of` fills it from a record, and only what is computed is written out.
"""
