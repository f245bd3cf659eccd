"""launch.py OUTPUT ERRORS COMMAND…: runs a command and prints its status, wall, user and system seconds and peak kB.

A process of its own, since a child's peak memory is never told as less than that of the process that started it:
run with `python3 -I -S`, and importing no more than this, it holds seven MB.
"""
import os, sys, time

output, errors, *command = sys.argv[1:]
write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
files = [(os.POSIX_SPAWN_OPEN, 1, output, write, 0o644), (os.POSIX_SPAWN_OPEN, 2, errors, write, 0o644)]
began = time.monotonic()
child = os.posix_spawnp(command[0], command, os.environ, file_actions=files)
_, status, use = os.wait4(child, 0)
wall = time.monotonic() - began
print(os.waitstatus_to_exitcode(status), wall, use.ru_utime, use.ru_stime, use.ru_maxrss)
