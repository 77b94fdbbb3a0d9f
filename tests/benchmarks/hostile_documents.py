"""Documents that mean harm: short to send, dear to look at."""

from typing import Any, Final


def doubling(levels: int) -> str:
    """A document of which each fragment spreads the next one twice."""
    parts = [f"fragment f{level} on Query {{ ...f{level + 1} ...f{level + 1} }}" for level in range(levels)]
    return f"query {{ ...f0 }} {' '.join(parts)} fragment f{levels} on Query {{ viewer {{ scopes }} }}"


def _numbered(text: str, count: int, between: str = " ") -> str:
    return between.join(text.replace("#", str(number)) for number in range(count))


def _web(spreads: int) -> str:
    parts = []
    for number in range(99):
        further = " ".join(f"...f{one}" for one in range(number + 1, min(number + spreads, 99)))
        parts.append(f"fragment f{number} on Query {{ __typename {further} }}")
    return "{ ...f0 } " + " ".join(parts)


def _circles() -> str:
    parts = [
        f"fragment f{number} on Query {{ " + " ".join(f"...f{(number + step) % 100}" for step in (1, 2, 3, 7)) + " }"
        for number in range(100)
    ]
    return "{ ...f0 } " + " ".join(parts)


_ORDER: Final = "placeOrder(input: {#}) { errors { code } }"
_WIDE: Final = _numbered("x#: [1 1 1 1 1 1 1]", 55)

HOSTILE: Final[dict[str, str]] = {
    # The document of 729 bytes that costs others seconds.
    "doubling fragments": doubling(20),
    "doubling fragments, as many as may be": doubling(98),
    "a web of fragments": _web(12),
    "circles of fragments": _circles(),
    "a fragment spread again and again": "{" + " ...f" * 1_900 + "} fragment f on Query { viewer { scopes } }",
    "an alias flood": "{" + _numbered("a#: viewer { scopes }", 600) + "}",
    "aliases as many as may be": "{"
    + _numbered("a#: node(id: #) { id ... on Order { id } ... on Execution { id } }", 30)
    + "}",
    "one name again and again": "{" + " a" * 3_900 + "}",
    "names that nobody knows": "{" + _numbered("u#", 1_900) + "}",
    "names that look like others": "{ viewer { " + _numbered("scope" + "s" * 500 + "#", 90) + " } }",
    "fields at odds with each other": "{"
    + _numbered("...f#", 99)
    + "} "
    + _numbered("fragment f# on Query { orders(first: #) { totalCount edges { node { id state } } } }", 99),
    "variables at odds with each other": f"query({_numbered('$v#: Int', 100)}) "
    + "{ "
    + _numbered("orders(first: $v#) { totalCount }", 100)
    + " }",
    "deep nesting": "{ viewer " + "{ ...on Viewer " * 900 + "{ scopes }" + "}" * 900 + "}",
    "deep fragments": "{ viewer { ...f0 } } "
    + _numbered("fragment f# on Viewer { ... on Viewer { ... on Viewer { ... on Viewer { scopes } } } }", 99),
    "a deep list": "{ quotes(symbols: " + "[" * 180 + "]" * 180 + ") { time } }",
    "a deep type": "query($a: " + "[" * 1_900 + "Int" + "]" * 1_900 + ") { __typename }",
    "a long list": "{ quotes(symbols: [" + ' "A"' * 3_900 + "]) { time } }",
    "an input of unknown fields": "mutation {" + _ORDER.replace("#", _numbered("x#: 1", 1_300)) + "}",
    "wide inputs": "mutation {" + " ".join(f"a{n}: " + _ORDER.replace("#", _WIDE) for n in range(6)) + "}",
    "arguments that nobody knows": "{ orders(" + _numbered("x#: 1", 1_300) + ") { totalCount } }",
    "an argument again and again": "{ orders(" + " first: 1" * 1_300 + ") { totalCount } }",
    "defaults of variables": f"query({_numbered('$v#: PlaceOrderInput = {a: 1 b: 2 c: 3 d: 4}', 90)}) {{ __typename }}",
    "directives": "{ viewer { scopes" + " @skip(if: false)" * 600 + " } }",
    "directives that nobody knows": "{ viewer { scopes" + " @x" * 99 + " } }",
    "a long text": '{ quote(symbol: "' + "x" * 65_000 + '") { time } }',
    "a text of escapes": '{ quote(symbol: "' + "\\u0041" * 10_000 + '") { time } }',
    "a text of lines": '{ quote(symbol: """' + "\n" * 60_000 + '""") { time } }',
    "a long number": "{ orders(first: " + "9" * 60_000 + ") { totalCount } }",
    "comments": "#\n" * 30_000 + "{ viewer { scopes } }",
    "nothing but commas": "," * 65_000 + "{ viewer { scopes } }",
    "a schema within a schema": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    "lists within lists": "{ orders(first: 500) { edges { node { "
    + "events { order { " * 7
    + "id"
    + " } }" * 7
    + " } } } }",
}


def deep(levels: int) -> Any:
    """A JSON value in so many lists."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value
