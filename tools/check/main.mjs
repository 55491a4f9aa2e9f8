import '../setup/node-version.mjs'

const { main } = await import('./run.mjs')
process.exitCode = await main(process.argv.slice(2))
