import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildSite } from './build-site.ts'

const usage = `npm run site [-- --base /tp/] [-- --out FOLDER]

Builds the site as static files, for any host.

  --base PATH   path that it is served below, with a slash at both ends; default /
  --out FOLDER  folder to write to; default apps/site/dist/site
`

const { values } = parseArgs({
  options: { base: { type: 'string' }, out: { type: 'string' }, help: { type: 'boolean' } },
})
if (values.help) {
  process.stdout.write(usage)
} else if (values.base !== undefined && !/^\/([\w.~-]+\/)*$/.test(values.base)) {
  process.stderr.write(`--base is ${values.base}; it must begin and end with a slash, as /tp/\n`)
  process.exitCode = 2
} else {
  const folder = await buildSite({
    ...(values.base !== undefined && { base: values.base }),
    ...(values.out !== undefined && { out: resolve(values.out) }),
    onNote: (note) => process.stderr.write(`${note}\n`),
  })
  process.stdout.write(`${folder}\n`)
}
