"""Benchmarks of Bulk import: what the tenant's quota, the machine and bad weather leave of its speed."""
