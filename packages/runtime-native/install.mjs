// Takes the prebuilt addon, or builds one where none fits and there is a compiler. Without one nothing fails: loading the runtime
// says what is missing, and @tp/runtime-node still runs.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { withHeaders } from './headers.mjs'
import { kernels } from './kernels.mjs'

const [own, build] = ['native', 'build'].map((name) => fileURLToPath(new URL(name, import.meta.url)))
const built = `${build}/Release/tp_native.node`
const changed = (path) => statSync(path).mtimeMs
// A build of older sources would still load, without the operators that files ask for today.
const sources = [own, kernels].flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`))
if (existsSync(built) && sources.some((path) => changed(path) > changed(built))) rmSync(build, { recursive: true })

const { status } = spawnSync('node-gyp-build', { stdio: 'inherit', shell: true, env: withHeaders() })
if (status !== 0) {
  process.stderr.write(
    '@tp/runtime-native: the addon could not be built (it takes a C++ compiler, make and Python 3). ' +
      'To try again: npm rebuild @tp/runtime-native\n',
  )
}
