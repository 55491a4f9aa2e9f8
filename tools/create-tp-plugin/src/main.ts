import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { isTpError, TpError } from '@tp/core'
import { createPlugin } from './create-plugin.ts'
import type { PluginKind } from './templates.ts'

const help = `create-tp-plugin NAME [--kind method|runtime] [--dir FOLDER]

Begins a package that @tp/cli loads: a pruning method (tp prune --plugin), or a runtime (tp eval --runtime).
It builds and passes the conformance kit of @tp/core/testing as it is; change it from there.

  NAME                   of the package, as tp-loudest or @you/tp-loudest
  --kind method|runtime  default method
  --dir FOLDER           where to; default: the name, without its scope
  --help                 this text

By npm: npm create tp-plugin tp-loudest, and with options: npm create tp-plugin tp-fast -- --kind runtime
Exit codes: 0 done, 1 nothing could be written, 2 bad usage.`

const usageCodes: readonly string[] = ['TP_USAGE', 'TP_NAME', 'TP_FOLDER']

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  try {
    const { name, kind, folder } = read(args)
    if (name === undefined) {
      process.stdout.write(`${help}\n`)
      return 0
    }
    const made = await createPlugin({ name, kind, ...(folder !== undefined && { folder }) })
    process.stdout.write(`${describe(kind, made.short, relative('', made.folder), made.files)}\n`)
    return 0
  } catch (error) {
    if (!isTpError(error)) throw error
    process.stderr.write(`${error.message}\ncode: ${error.code}\n`)
    return usageCodes.includes(error.code) ? 2 : 1
  }
}

interface PluginArguments {
  /** Undefined: help is wanted. */
  readonly name?: string
  readonly kind: PluginKind
  readonly folder: string | undefined
}

/** @throws TpError TP_USAGE */
function read(args: readonly string[]): PluginArguments {
  const { values, positionals } = parse(args)
  const { kind = 'method', dir: folder } = values
  if (values.help) return { kind: 'method', folder }
  const [name, extra] = positionals
  if (name === undefined) throw usage('NAME is missing: what the package is to be called, as tp-loudest')
  if (extra !== undefined) throw usage(`unexpected argument "${extra}"`)
  if (kind !== 'method' && kind !== 'runtime') throw usage(`--kind is "${kind}"; it must be method or runtime`)
  if (folder === '') throw usage('--dir is empty; give a folder')
  return { name, kind, folder }
}

function parse(args: readonly string[]) {
  const options = { kind: { type: 'string' }, dir: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (cause) {
    throw usage((cause as Error).message, cause)
  }
}

function usage(message: string, cause?: unknown): TpError {
  return new TpError('TP_USAGE', 'create-tp-plugin', `${message}; --help shows what there is`, { cause })
}

function describe(kind: PluginKind, short: string, folder: string, files: readonly string[]): string {
  const source = kind === 'method' ? `src/${short}.ts` : 'src/engine.ts'
  const use = kind === 'method' ? `npx @tp/cli methods --plugin .` : `npx @tp/cli doctor --runtime .`
  const lines = [
    ...(folder === '' ? [] : [`cd ${folder}`]),
    // Else the runtime of the tests fetches 300 MB of CUDA libraries, and fails where it cannot.
    `${process.platform === 'linux' ? 'ONNXRUNTIME_NODE_INSTALL=skip ' : ''}npm install    # before the first release: the packages of npm run pack-local in @tp, npm install --save-dev …/tp-*.tgz`,
    'npm run build',
    'npm test',
    `${use}    # then change ${source}`,
  ]
  return `${folder === '' ? '.' : folder}: ${files.length} files of the ${kind} "${short}"\n\n${lines.map((line) => `  ${line}`).join('\n')}`
}
