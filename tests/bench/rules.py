"""The redaction of the row `redact`, as the policy has it: ten rules that find nothing in the lines of the measurement, so that what is
measured is the looking. Detectors that the policy comes to know are added to DETECTORS, one line of YAML each, and count from then on."""

TEN = {
    "aws-key": r"(?:ASIA|AKIA)[A-Z0-7]{16}",
    "bearer": r"(?i)bearer\s+[a-z0-9._~+/-]{20,}",
    "password": r"(?i)\b(?:password|passwd|pwd)\s*[=:]\s*\S+",
    "private-key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "e-mail": r"[\w.+-]+@[\w-]+\.[\w.-]+",
    "ip": r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    "card": r"\b\d{4}(?:[ -]?\d{4}){3}\b",
    "jwt": r"\beyJ[\w-]+\.[\w-]+\.[\w-]+",
    "quoted": r"'[^']*'",
    "compared": r"[=<>]\s*\d+",
}
DETECTORS = ("detect: [aws_keys, tokens, private_keys, email, ip, card_numbers, sql_literals]",)


def redaction(rules):
    """Lines of the policy's `export` section."""
    lines = [
        f"    - name: {name}\n      pattern: '{pattern.replace(chr(39), chr(39) * 2)}'\n"
        for name, pattern in rules.items()
    ]
    return ("  redact:\n" + "".join(lines) if lines else "") + ("".join(f"  {d}\n" for d in DETECTORS) if lines else "")
