import '../setup/node-version.mjs'

const { writeGenerated } = await import('./generated.mjs')
const { writeReports } = await import('../check/api/reports.mjs')
for (const file of [...(await writeGenerated()), ...writeReports()]) process.stderr.write(`${file} updated\n`)
