"""python-pkcs11 on the software token: arguments are the module's file and the user PIN."""

import sys

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass


def vendor_defined(kind, name, number):
    """A member of one of the library's enumerations, which know no vendor-defined numbers."""
    member = int.__new__(kind, number)
    member._name_, member._value_ = name, number
    kind._value2member_map_[number] = member
    return member


vendor_defined(KeyType, "SM2", 0x80000004)
vendor_defined(Mechanism, "SM2_KEY_PAIR_GEN", 0x80008001)
sm3 = vendor_defined(Mechanism, "SM3", 0x80009000)
sm2_with_sm3 = vendor_defined(Mechanism, "SM2_SM3_DER", 0x80008103)

module, pin = sys.argv[1:]
token = pkcs11.lib(module).get_token(token_serial=b"K1")
with token.open(user_pin=pin) as session:
    print("objects", len(list(session.get_objects())))
    print("digest", session.digest(b"abc", mechanism=sm3).hex())
    key = next(iter(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})))
    print("signature", key.sign(b"text", mechanism=sm2_with_sm3).hex())
