import '../setup/node-version.mjs'

const { setUp } = await import('../setup/set-up.mjs')
setUp()
const { raiseVersions } = await import('./raise-versions.mjs')
await raiseVersions()
process.stderr.write('Look at the difference, run "npm test", and commit it as the release.\n')
