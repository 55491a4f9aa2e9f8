import { runProgram } from './run-program.mjs'

await runProgram('apps/benchmark/dist/main.js', ['quickstart', ...process.argv.slice(2)])
