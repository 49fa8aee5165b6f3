# Here because no Python knows the codec that the next line declares.
# -*- coding: klingon-8 -*-
QAPLA = True
