"""Learning: what replies, reports, queries and denials say of orders; it never acts."""
