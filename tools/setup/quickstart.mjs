import { runProgram } from './run-program.mjs'

await runProgram(['quickstart', ...process.argv.slice(2)])
