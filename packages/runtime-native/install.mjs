// Takes the prebuilt addon, or builds one where none fits and there is a compiler. Without one nothing fails: loading the runtime
// says what is missing, and @tp/runtime-node still runs.
import { spawnSync } from 'node:child_process'
import { withHeaders } from './headers.mjs'

const { status } = spawnSync('node-gyp-build', { stdio: 'inherit', shell: true, env: withHeaders() })
if (status !== 0) {
  process.stderr.write(
    '@tp/runtime-native: the addon could not be built (it takes a C++ compiler, make and Python 3). ' +
      'To try again: npm rebuild @tp/runtime-native\n',
  )
}
