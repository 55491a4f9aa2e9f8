process.stderr.write('The quick start is not written yet.\n')
process.exitCode = 1

export {}
