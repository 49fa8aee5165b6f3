# Here because many trees still hold a file that was never brought to Python 3.
import sys

print "usage: %s FILE" % sys.argv[0]
