import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { amountNames } from '@tp/core/host'
import { modelPath } from '@tp/models'
import { describe, expect, test } from 'vitest'
import { commands } from '../src/commands/index.ts'
import { bin, temporaryFolder, tp, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const digits = modelPath('digits-vit')
const prune = (...args: string[]): string[] => ['prune', mail, '-o', folder.at('out.onnx'), ...args]
const byReceived = (...args: string[]): string[] => prune('--method', 'received-attention', ...args)

describe('help', () => {
  test.each([['--help'], ['help'], []])('tp %s lists the commands', async (...args) => {
    const { code, stdout, stderr } = await tpHere(args)
    expect(code).toBe(0)
    expect(stderr).toBe('')
    for (const name of ['inspect', 'prune', 'eval', 'explain', 'bench', 'methods', 'doctor'])
      expect(stdout).toContain(`tp ${name}`)
  })

  test('tells a newcomer the next command, by what the folder holds', async () => {
    const first = async (where: string, env = { npm_command: 'run-script' }): Promise<string[]> => {
      const { code, stdout } = await tp([], { cwd: folder.at(where), env })
      expect(code).toBe(0)
      return stdout.split('\n').slice(0, 4)
    }
    for (const name of ['nothing', 'file', 'folder/mine/onnx']) mkdirSync(folder.at(name), { recursive: true })
    for (const name of ['file/model.onnx', 'file/texts.tsv', 'folder/mine/onnx/model.onnx'])
      writeFileSync(folder.at(name), '')
    expect((await first('nothing')).slice(0, 3)).toEqual([
      'Makes exported transformers faster. This folder holds no ONNX file; begin with',
      '  npx tp-models mail my-model  writes a model and examples to try',
      '  tp prune MODEL               MODEL: an .onnx file, or its folder',
    ])
    expect(await first('file', { npm_command: 'exec' })).toEqual([
      'Makes exported transformers faster. This folder holds model.onnx; begin with one of',
      '  npx tp inspect model.onnx                    what can be done',
      '  npx tp prune model.onnx                      a safe default',
      '  npx tp optimize model.onnx --data texts.tsv  the fastest',
    ])
    expect((await first('folder'))[3]).toBe('  tp optimize mine/onnx/model.onnx --data TABLE  TABLE: your texts')
    for (const name of ['nothing', 'file', 'folder']) rmSync(folder.at(name), { recursive: true })
  })

  test('names every option of a command, also among other arguments', async () => {
    const { code, stdout } = await tpHere(['prune', 'no-such-model', '--help'])
    expect(code).toBe(0)
    const options = 'out method layers flops param weights set plugin trace json'
    for (const name of options.split(' ')) expect(stdout).toContain(`--${name}`)
    // With --verbose each setting has a line of its own.
    const { stdout: all } = await tpHere(['prune', '--help', '--verbose'])
    for (const name of amountNames) expect(all).toMatch(new RegExp(`^ +(?:--${name} |${name}=)`, 'm'))
    expect(all).toMatch(/^ +restore=auto\|.*\n +rows of pruned/m)
  })

  test('fits a terminal of 80 columns and 24 rows, and every command wraps to it', async () => {
    const { stdout } = await tpHere(['--help'], { columns: 80 })
    expect(stdout.split('\n').length).toBeLessThanOrEqual(24)
    for (const name of Object.keys(commands)) {
      const help = await tpHere([name, '--help'], { columns: 80 })
      expect([name, help.stdout.split('\n').filter((line) => line.length > 80)]).toEqual([name, []])
    }
  })

  test('explains a command on one screen, and all of it with --verbose', async () => {
    for (const name of Object.keys(commands)) {
      const lines = async (columns: number): Promise<number> =>
        (await tpHere([name, '--help'], { columns })).stdout.split('\n').length
      expect([name, (await lines(80)) <= 45, (await lines(60)) <= 64]).toEqual([name, true, true])
    }
    const { stdout } = await tpHere(['optimize', '--help'])
    expect(stdout).toContain('allowed loss in points; default 0.5\n')
    expect(stdout).not.toContain('PLAN.measured')
    expect((await tpHere(['optimize', '--help', '--verbose'])).stdout).toContain('PLAN.measured')
  })

  test('colors help only where the terminal shows it, and JSON never', async () => {
    const bold = '\u001b['
    expect((await tpHere(['--help'])).stdout).not.toContain(bold)
    const shown = await tpHere(['methods', '--json'], { columns: 40, styled: true })
    expect(shown.stdout).not.toContain(bold)
    expect(JSON.parse(shown.stdout).kind).toBe('methods')
  })

  test('loads no runtime', async () => {
    const { code, stdout } = await tp(['--help'], { env: { NODE_OPTIONS: `--import=${noRuntime}` } })
    expect(code).toBe(0)
    expect(stdout).toContain('tp prune')
    // The same hook does stop a command that needs one, so it would have shown above.
    const doctor = await tp(['doctor'], { env: { NODE_OPTIONS: `--import=${noRuntime}` } })
    expect(doctor.code).toBe(1)
  })
})

test('prints the version of the package with --version', async () => {
  const { stdout } = await tp(['--version'])
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('does its work and exits with 0 if nobody reads what it prints', () => {
  const out = folder.at('unread.onnx')
  const pruning = ['prune', digits, '-o', out, '--method', 'stride', '--keep', '0.5']
  for (const args of [['methods'], [...pruning, '--no-verify']]) {
    // The reader is gone before anything is printed, so that each write fails.
    const script = `set -o pipefail; { sleep 0.5; "${process.execPath}" "${bin}" "$@" 2>&1; } | true`
    const { status, stderr } = spawnSync('bash', ['-c', script, 'bash', ...args], { encoding: 'utf8' })
    expect([args[0], status, stderr]).toEqual([args[0], 0, ''])
  }
  expect(folder.files()).toEqual(['unread.onnx'])
  rmSync(out)
})

test('completes commands, options and what they may be', async () => {
  const completed = async (...words: string[]): Promise<string[]> =>
    (await tp(['complete', '--', ...words])).stdout.split('\n').map((line) => line.split('\t')[0] as string)
  expect(await completed('prune', '--set', 'rest')).toContain('restore=nearest')
  expect(await completed('prune', '--method', 're')).toEqual(['received-attention', ':4', ''])
  // Nothing but that the shell may complete files.
  expect(await completed('prune', 'mo')).toEqual([':0', ''])
  const inBash = 'source <(tp complete bash); COMP_WORDS=(tp pru); COMP_CWORD=1; __tp_complete; echo $COMPREPLY'
  const script = `tp() { "${process.execPath}" "${bin}" "$@"; }; ${inBash}`
  const { stdout } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })
  expect(stdout.trim()).toBe('prune')
  const { code, stderr } = await tpHere(['complete', 'bsh'])
  expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean bash?')])
})

/** A command line, its code and what is printed; MAIL and DIGITS are models, OUT is a path, BY prunes the mail model. */
const bad: readonly (readonly [line: string, code: string, message: RegExp])[] = [
  ['deploy', 'TP_USAGE', /no command "deploy".*optimize, prune/],
  ['prnue', 'TP_USAGE', /no command "prnue"; did you mean tp prune\?/],
  ['--verison', 'TP_USAGE', /did you mean tp --version\? tp --help/],
  ['version', 'TP_USAGE', /no command "version"; did you mean tp --version\?/],
  ['--keep 0.5 prune', 'TP_USAGE', /give the command first: tp COMMAND/],
  ['inspect', 'TP_USAGE', /MODEL is missing/],
  ['inspect MAIL DIGITS', 'TP_USAGE', /no place for/],
  ['inspect EMPTY', 'TP_USAGE', /MODEL is empty; give a path/],
  ['inspect MAIL --keep 0.7', 'TP_USAGE', /no option --keep/],
  ['serve MAIL EMPTY', 'TP_USAGE', /MODEL… is empty; give a path/],
  ['serve no.onnx --port 65536', 'TP_USAGE', /--port is 65536; .* 65535/],
  ['serve no.onnx --max-wait -1', 'TP_USAGE', /--max-wait is -1; it must be 0/],
  ['run no.onnx --data d.txt -o OUT --max-tokens 0', 'TP_USAGE', /--max-tokens is 0/],
  ['quantize MAIL', 'TP_USAGE', /-o OUT is missing/],
  ['quantize no.onnx -o OUT --data no.tsv --within 2', 'TP_USAGE', /--within is 2; it must be above 0, and at most 1/],
  ['bench no.onnx --shapes 0x1', 'TP_USAGE', /--shapes has "0x1"; a shape is/],
  ['bench MAIL --shapes 1x', 'TP_USAGE', /8x128/],
  ['bench MAIL --shapes 128', 'TP_SIZES', /did you mean 1x128\?/],
  ['bench MAIL --threads 0', 'TP_USAGE', /whole number from 1/],
  ['bench MAIL --min-speedup 2', 'TP_USAGE', /--against OTHER/],
  ['bench MAIL --against MAIL --method none', 'TP_USAGE', /only one of --method and --against/],
  ['check no.onnx --against a.onnx --data d --max-loss -1', 'TP_USAGE', /--max-loss is -1; it must be 0 or more/],
  ['optimize no.onnx --data no.tsv --minutes 0', 'TP_USAGE', /--minutes is 0; it must/],
  ['optimize no.onnx --plan-out OUT --data d --shapes 8x', 'TP_USAGE', /--shapes has "8x"/],
  ['optimize no.onnx --plan-out OUT --data d --methods tme', 'TP_UNKNOWN_METHOD', /tome/],
  ['train no.onnx -o OUT --data d --selection s --method random --keep 1 --set epochs=x', 'TP_USAGE', /epochs is "x"/],
  ['eval MAIL', 'TP_USAGE', /--data PATH is missing/],
  ['eval no.onnx --data no.tsv --limit 0.5', 'TP_USAGE', /--limit is 0\.5/],
  ['eval MAIL --data x.tsv --keep 0.7', 'TP_USAGE', /--keep requires --methods/],
  ['eval MAIL --data x --methods random --keep 1 --param a=b', 'TP_USAGE', /--param a/],
  ['eval MAIL --data d --read top=x', 'TP_USAGE', /--read top is "x"/],
  ['eval MAIL --data d --read tap=1', 'TP_USAGE', /no --read tap; did you mean --read top=1\? tp eval --help/],
  ['eval MAIL --data x --task rankin', 'TP_USAGE', /did you mean ranking\?/],
  ['prune MAIL -o EMPTY --method random --keep 1', 'TP_USAGE', /-o needs a value: -o OUT/],
  ['prune MAIL -o OUT --keep 0.7', 'TP_USAGE', /--method NAME .*is missing/],
  ['prune MAIL -o OUT --method none --layers 1', 'TP_USAGE', /--layers requires/],
  ['prune MAIL -o OUT --method recieved --keep 0.7', 'TP_UNKNOWN_METHOD', /received-attention/],
  ['prune DIGITS -o OUT --method random --tokens 300', 'TP_SCHEDULE', /always has 197/],
  ['prune DIGITS -o OUT --method random --flops 0.5@300', 'TP_SCHEDULE', /always has 197/],
  ['prune DIGITS -o OUT --method random --keep 0.7 --set protect=197', 'TP_PROTECT', /197 does not exist/],
  ['BY', 'TP_USAGE', /say how many tokens to keep: --keep, /],
  ['BY --share 0.7', 'TP_USAGE', /no option --share; tp prune --help/],
  ['BY --kep 0.7', 'TP_USAGE', /no option --kep; did you mean --keep\?/],
  ['BY --keep', 'TP_USAGE', /--keep needs a value: --keep R/],
  ['BY --keep=', 'TP_USAGE', /--keep needs a value: --keep R/],
  ['BY --keep 0.7 --no-verify=no', 'TP_USAGE', /--no-verify takes no value/],
  ['BY --keep 0.7 --keep 0.5', 'TP_USAGE', /--keep is given twice/],
  ['BY --keep 0.7 --tokens 9', 'TP_USAGE', /only one of --keep and --tokens/],
  ['BY --keep 70', 'TP_USAGE', /--keep is 70; .* did you mean --keep 0\.7\?/],
  ['BY --keep 90%,80%', 'TP_USAGE', /--keep is 90%; .* did you mean 0\.9\?/],
  ['BY --keep 0', 'TP_SCHEDULE', /keep is 0; it must be at least 0.00005 and at most 1/],
  ['BY --keep NaN', 'TP_USAGE', /--keep is "NaN"; it must be a number/],
  ['BY --keep -0.5', 'TP_SCHEDULE', /keep is -0.5/],
  ['BY --layers 1,2 --keep 1,0.9,0.8', 'TP_SCHEDULE', /3 values for 2/],
  ['BY --layers 1,6 --keep 0.7', 'TP_SCHEDULE', /layer 6 .*layers 0 to 5/],
  ['BY --layers two --keep 0.7', 'TP_USAGE', /--layers is "two"/],
  ['BY --tokens 7.5', 'TP_SCHEDULE', /tokens is 7.5/],
  ['BY --set mass=1.5', 'TP_SCHEDULE', /mass is 1.5/],
  ['BY --set threshold=-0.5 --layers 1 --set protect=-1', 'TP_USAGE', /--set protect is -1/],
  ['BY --flops 0.5', 'TP_SIZES', /--flops 0\.5@128/],
  ['BY --flops 0.5@long', 'TP_USAGE', /--flops is "long"/],
  ['BY --flops 2@128', 'TP_FLOPS', /at most 1/],
  ['BY --flops 0.01@128', 'TP_FLOPS', /even with the fewest tokens/],
  ['BY --keep 0.7 --param query=3', 'TP_OPTION', /diagonal, queries/],
  ['BY --keep 0.7 --param queries=-3', 'TP_OPTION', /queries is "-3"/],
  ['BY --keep 0.7 --param queries', 'TP_USAGE', /name=value/],
  ['BY --keep 0.7 --set restore=some', 'TP_USAGE', /auto, nearest, none, all or weighed/],
  ['BY --keep 0.7 --set protect=cls', 'TP_USAGE', /--set protect is "cls"/],
]

test.each(bad)('tp %s is refused with exit code 2 and what to do', async (line, errorCode, message) => {
  const paths: Readonly<Record<string, string>> = { MAIL: mail, DIGITS: digits, OUT: folder.at('out.onnx'), EMPTY: '' }
  const words = line.replace('BY', 'prune MAIL -o OUT --method received-attention').split(' ')
  const { code, stdout, stderr } = await tpHere(words.map((word) => paths[word] ?? word))
  expect(stderr).toMatch(message)
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(`code: ${errorCode}`)
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(folder.files()).toEqual([])
})

test('exits with 2 in a process of its own too', async () => {
  const { code, stdout, stderr } = await tp(byReceived('--keep', '1.2'))
  expect({ code, stdout, stderr }).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(
      '[core] keep is 1.2; it must be at least 0.00005 and at most 1\n' +
        'see https://github.com/tp-pruning/tp/blob/main/docs/errors.md#tp_schedule\ncode: TP_SCHEDULE\n',
    ),
  })
})

test('prints an error as a document with --json', async () => {
  const { code, stdout, stderr } = await tpHere([...byReceived('--keep', '0'), '--json'])
  expect(code).toBe(2)
  expect(JSON.parse(stdout)).toMatchObject({
    format: 1,
    kind: 'error',
    code: 'TP_SCHEDULE',
    message: expect.stringContaining('keep is 0'),
  })
  expect(stderr).toContain('code: TP_SCHEDULE')
})

/** A hook for `node --import` that lets nobody load onnxruntime. */
const noRuntime = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent(\`
    export function resolve(specifier, context, next) {
      if (specifier.startsWith('onnxruntime')) throw new Error('no runtime here')
      return next(specifier, context)
    }\`))`)}`
