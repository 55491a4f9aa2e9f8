import '../setup/node-version.mjs'

const { writeGenerated } = await import('./generated.mjs')
for (const file of await writeGenerated()) process.stderr.write(`${file} updated\n`)
