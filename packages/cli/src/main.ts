process.stderr.write('tp is not written yet.\n')
process.exitCode = 1

export {}
