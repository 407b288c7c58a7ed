"""Makes qr_codes.txt, for the reader of the pages: codes of encoders that are not ours.

pip install segno==1.6.6 qrcode==8.2 && python qr_codes.py >qr_codes.txt
"""

import base64

import qrcode
import segno
from qrcode import base, constants

LEVELS = {
    "L": constants.ERROR_CORRECT_L,
    "M": constants.ERROR_CORRECT_M,
    "Q": constants.ERROR_CORRECT_Q,
    "H": constants.ERROR_CORRECT_H,
}
TICKET = (
    "Af6BLBLzq0zmAZMsB6WxfD2eTxorPE1ebwGTLAgAAHq8je8BI0VniasAAAACeLig5spv4knHNIShTIiRJqmT-LNdLEPooCJgf"
    "_PoVEup05a9thx5IG85jiSOfai7eCxXy5IYqhTPs91yxzzDAQ"
)
# Encoder, version, level, how many times the text.
CODES = [
    ("segno", 1, "H", 1, "8675309"),
    ("segno", 2, "L", 1, "HTTPS://EXAMPLE.ORG/$5"),
    ("segno", 4, "M", 1, "日本語の切符"),
    ("segno", 3, "Q", 1, "grün ✓"),
    ("segno", 7, "Q", 1, TICKET[:80]),
    ("segno", 9, "M", 1, TICKET),
    ("segno", 15, "H", 12, "Row 7, seat 21;"),
    ("segno", 27, "M", 40, "0123456789"),
    ("segno", 32, "Q", 60, "Row 7, seat 21;"),
    ("segno", 40, "L", 180, "Row 7, seat 21;"),
    ("qrcode", 1, "L", 1, "0123456789"),
    ("qrcode", 2, "H", 1, "ROW 7 SEAT 21"),
    ("qrcode", 6, "M", 1, TICKET[:90]),
    ("qrcode", 8, "M", 1, TICKET),
    ("qrcode", 11, "H", 1, TICKET[:130]),
    ("qrcode", 21, "Q", 30, "Row 7, seat 21;"),
]


def modules(maker, version, level, text):
    if maker == "segno":
        # What is in no other character set is announced as UTF-8.
        eci = {"encoding": "utf-8", "eci": True} if "✓" in text else {}
        return segno.make(text, version=version, error=level, boost_error=False, micro=False, **eci).matrix
    code = qrcode.QRCode(version=version, error_correction=LEVELS[level])
    code.add_data(text)
    code.make(fit=False)
    return code.modules


for version in range(1, 41):
    # How many bytes of data it holds, with levels L, M, Q and H.
    print("capacity", version, *(sum(block.data_count for block in base.rs_blocks(version, LEVELS[level])) for level in "LMQH"))
for maker, version, level, times, text in CODES:
    bits = "".join("1" if module else "0" for row in modules(maker, version, level, text * times) for module in row)
    length = -(-len(bits) // 8)
    packed = int(bits.ljust(length * 8, "0"), 2).to_bytes(length, "big")
    print("code", maker, version, level, times, base64.b64encode(packed).decode(), text)
