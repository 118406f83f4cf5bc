# Reads "check TOKEN" or "live TOKEN" a line and answers "yes SUB" or "no WHY".
import sys

namespace = {}
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), namespace)
for line in sys.stdin:
    verb, token = line.split()
    try:
        print("yes", namespace[verb](token)["sub"], flush=True)
    except Exception as error:
        print("no", type(error).__name__, str(error).replace("\n", " "), flush=True)
