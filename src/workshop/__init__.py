"""The room: who takes part, which day it is, who may see what. Stands on `fde`, never the reverse."""
