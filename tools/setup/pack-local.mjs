import './node-version.mjs'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'

const { root, setUp } = await import('./set-up.mjs')
const { packAll } = await import('../check/tarballs.mjs')

const folder = resolve(process.argv[2] ?? `${root}/reports/packages`)
setUp()
mkdirSync(folder, { recursive: true })
const tarballs = await packAll(folder)
process.stdout.write(`${tarballs.length} packages packed. To install them in a project of yours:

  npm install ${folder}/tp-*.tgz

To begin a plugin:

  npx --package ${folder}/create-tp-plugin-*.tgz create-tp-plugin tp-mine
  cd tp-mine
  npm install --save-dev ${folder}/tp-*.tgz
`)
