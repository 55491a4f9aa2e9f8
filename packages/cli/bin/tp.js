#!/usr/bin/env node
// A file of the repository, not of the build: pnpm links commands when it installs, before anything is built.

// SIGHUP reloads a server (src/serving/hang-up.ts), and must not end it while the command line is still being loaded, or ends itself.
if (process.argv[2] === 'serve') process.on('SIGHUP', () => undefined)
await import('../dist/main.js')
