#!/usr/bin/env node
// A file of the repository, not of the build: pnpm links commands when it installs, before anything is built.

import { existsSync } from 'node:fs'

// SIGHUP reloads a server (src/serving/hang-up.ts), and must not end it while the command line is still being loaded, or ends itself.
if (process.argv[2] === 'serve') process.on('SIGHUP', () => undefined)
try {
  await import('../dist/main.js')
} catch (error) {
  process.exitCode = 1
  const code = error?.code === 'EMFILE' ? 'TP_OPEN_FILES' : 'TP_INSTALL'
  // In a clone of the repository the program has to be built.
  const isClone = existsSync(new URL('../../../pnpm-workspace.yaml', import.meta.url))
  const again = isClone ? 'run npm run bootstrap' : 'install @tp/cli again'
  const advice = `${again}, and allow more open files (ulimit -n) if it is there`
  console.error(`[tp] the program cannot be loaded: ${error?.message}; ${advice}\ncode: ${code}`)
}
