"""The GraphQL face: parse, authorise, call a flow or a service, shape the answer."""
