"""What pages and the API share of a request: who may do what, forms, filters, pages of lists."""
