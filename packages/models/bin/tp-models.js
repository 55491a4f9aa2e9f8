#!/usr/bin/env node
try {
  await import('../dist/main.js')
} catch (error) {
  process.exitCode = 1
  console.error(
    `[tp-models] the program cannot be loaded: ${error?.message}; install @tp/models again\ncode: TP_INSTALL`,
  )
}
