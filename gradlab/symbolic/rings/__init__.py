"""Arithmetics in which index expressions are evaluated; one file each, the same methods in the same order."""

from gradlab.symbolic.rings.digits import Digits as Digits
from gradlab.symbolic.rings.dual import Dual as Dual
from gradlab.symbolic.rings.dual import DualRing as DualRing
from gradlab.symbolic.rings.prime_field import PrimeField as PrimeField
from gradlab.symbolic.rings.ring import Array as Array
from gradlab.symbolic.rings.ring import Ring as Ring
from gradlab.symbolic.rings.ring import UndefinedError as UndefinedError
from gradlab.symbolic.rings.ring import elementwise as elementwise
from gradlab.symbolic.rings.ring import first_largest as first_largest
from gradlab.symbolic.rings.ring import objects as objects
