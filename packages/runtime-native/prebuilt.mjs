// Builds the addon for those who have no compiler, into prebuilds/, which is published: npm run prebuilt, on each platform. One binary
// fits all versions of Node (it uses Node-API only) and all processors (it chooses its instructions when it is loaded); on Linux,
// systems whose C and C++ libraries are as new as the builder's, so it is built on the oldest that is to be served. Where it does not load, installing builds another.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withHeaders } from './headers.mjs'

const packageFolder = fileURLToPath(new URL('.', import.meta.url))
const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
execFileSync(process.execPath, [nodeGyp, 'rebuild'], { cwd: packageFolder, env: withHeaders(), stdio: 'inherit' })

// Names that node-gyp-build chooses by.
const folder = join(packageFolder, 'prebuilds', `${process.platform}-${process.arch}`)
const isMusl = process.platform === 'linux' && !('glibcVersionRuntime' in process.report.getReport().header)
const libc = process.platform === 'linux' ? (isMusl ? '.musl' : '.glibc') : ''
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
copyFileSync(join(packageFolder, 'build/Release/tp_native.node'), join(folder, `tp_native${libc}.node`))
