import { runProgram } from './run-program.mjs'

await runProgram(process.argv.slice(2))
