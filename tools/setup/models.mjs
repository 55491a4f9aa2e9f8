import { runProgram } from './run-program.mjs'

await runProgram('tools/real-models/dist/main.js', process.argv.slice(2))
