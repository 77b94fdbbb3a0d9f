"""What people write: what can be kept of it, and read again."""


def is_readable(text: str, length_max: int) -> bool:
    """Whether it can be stored, is not too long, and shows something: blanks and invisible characters alone do not."""
    return (
        len(text) <= length_max
        and "\x00" not in text
        and any(character.isprintable() and not character.isspace() for character in text)
    )
