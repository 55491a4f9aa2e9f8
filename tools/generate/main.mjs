import '../setup/node-version.mjs'

const { setUp } = await import('../setup/set-up.mjs')
setUp() // API reports and tables are made from what is built
const { writeReports } = await import('../check/api/reports.mjs')
const { writeSizes } = await import('../check/install/sizes.mjs')
const { writeGenerated } = await import('./generated.mjs')
const files = [...writeReports(), ...(await writeSizes()), ...(await writeGenerated())]
for (const file of files) process.stderr.write(`${file} updated\n`)
