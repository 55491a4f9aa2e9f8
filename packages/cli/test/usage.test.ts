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
const by = ['--method', 'received-attention', '--keep', '0.5']
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
  for (const args of [['methods'], ['complete', 'bash'], pruning]) {
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
  expect(await completed('prune', '--ke')).toContain('--keep')
  expect(await completed('prune', '--set', 'rest')).toEqual(
    expect.arrayContaining(['restore=auto', 'restore=nearest', 'restore=none', 'restore=all']),
  )
  expect(await completed('prune', '--method', 're')).toEqual(['received-attention', ':4', ''])
  // Nothing but that the shell may complete files.
  expect(await completed('prune', 'mo')).toEqual([':0', ''])
  expect((await tp(['complete', 'zsh'])).stdout).toContain('compdef _tp tp')
  const inBash = 'source <(tp complete bash); COMP_WORDS=(tp pru); COMP_CWORD=1; __tp_complete; echo $COMPREPLY'
  const script = `tp() { "${process.execPath}" "${bin}" "$@"; }; ${inBash}`
  const { stdout } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })
  expect(stdout.trim()).toBe('prune')
  const { code, stderr } = await tpHere(['complete', 'bsh'])
  expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean bash?')])
})

describe('bad usage exits with 2 and says what to do', () => {
  test.each<[string, () => string[], string, RegExp]>([
    ['an unknown command', () => ['deploy'], 'TP_USAGE', /no command "deploy".*optimize, prune/],
    ['half an example', () => ['eval', 'no.onnx', '--data', 'no.tsv', '--limit', '0.5'], 'TP_USAGE', /--limit is 0\.5/],
    [
      'no minutes',
      () => ['optimize', 'no.onnx', '--data', 'no.tsv', '--minutes', '0'],
      'TP_USAGE',
      /--minutes is 0; it must/,
    ],
    [
      'more than all answers',
      () => ['quantize', 'no.onnx', '-o', 'x.onnx', '--data', 'no.tsv', '--within', '2'],
      'TP_USAGE',
      /--within is 2; it must be above 0, and at most 1/,
    ],
    ['an empty shape', () => ['bench', 'no.onnx', '--shapes', '0x1'], 'TP_USAGE', /--shapes has "0x1"; a shape is/],
    [
      'a shape without tokens, to tune for',
      () => ['optimize', 'no.onnx', '--plan-out', folder.at('p'), '--data', 'd', '--shapes', '8x'],
      'TP_USAGE',
      /--shapes has "8x"/,
    ],
    [
      'a negative loss to tune for',
      () => ['optimize', 'no.onnx', '--plan-out', folder.at('p'), '--data', 'd', '--max-loss', '-1'],
      'TP_USAGE',
      /--max-loss is -1; it must be 0 or more/,
    ],
    [
      'a negative loss',
      () => ['check', 'no.onnx', '--against', 'a.onnx', '--data', 'd', '--max-loss', '-1'],
      'TP_USAGE',
      /--max-loss is -1; it must be 0 or more/,
    ],
    [
      'a batch of nothing',
      () => [
        'train',
        'no.onnx',
        '-o',
        folder.at('x'),
        '--data',
        'd',
        '--selection',
        's',
        '--set',
        'batchSize=0',
        ...by,
      ],
      'TP_OPTION',
      /batchSize is 0; it has to be a whole number from 1/,
    ],
    ['a port beyond the last', () => ['serve', 'no.onnx', '--port', '65536'], 'TP_USAGE', /--port is 65536; .* 65535/],
    ['a wait before now', () => ['serve', 'no.onnx', '--max-wait', '-1'], 'TP_USAGE', /--max-wait is -1; it must be 0/],
    [
      'texts without tokens',
      () => ['run', 'no.onnx', '--data', 'd.txt', '-o', folder.at('x.npy'), '--max-tokens', '0'],
      'TP_USAGE',
      /--max-tokens is 0/,
    ],
    [
      'an unknown method for a missing model',
      () => ['optimize', 'no.onnx', '--plan-out', folder.at('p'), '--data', 'd', '--methods', 'tme'],
      'TP_UNKNOWN_METHOD',
      /tome/,
    ],
    [
      'epochs for a missing model',
      () => ['train', 'no.onnx', '-o', folder.at('x'), '--data', 'd', '--selection', 's', '--set', 'epochs=x', ...by],
      'TP_USAGE',
      /--set epochs is "x"/,
    ],
    [
      'a mistyped option in the place of a command',
      () => ['--verison'],
      'TP_USAGE',
      /did you mean tp --version\? tp --help/,
    ],
    ['a word for an option', () => ['version'], 'TP_USAGE', /no command "version"; did you mean tp --version\?/],
    [
      'an option before its command',
      () => ['--keep', '0.5', 'prune'],
      'TP_USAGE',
      /give the command first: tp COMMAND/,
    ],
    ['a mistyped command', () => ['prnue'], 'TP_USAGE', /no command "prnue"; did you mean tp prune\?/],
    ['an unknown option', () => byReceived('--share', '0.7'), 'TP_USAGE', /no option --share; tp prune --help/],
    ['a mistyped option', () => byReceived('--kep', '0.7'), 'TP_USAGE', /no option --kep; did you mean --keep\?/],
    ['a percentage', () => byReceived('--keep', '70'), 'TP_USAGE', /--keep is 70; .* did you mean --keep 0\.7\?/],
    ['percent', () => byReceived('--keep', '90%,80%'), 'TP_USAGE', /--keep is 90%; .* did you mean 0\.9\?/],
    ['an option of another command', () => ['inspect', mail, '--keep', '0.7'], 'TP_USAGE', /no option --keep/],
    ['a missing operand', () => ['inspect'], 'TP_USAGE', /MODEL is missing/],
    ['too many operands', () => ['inspect', mail, digits], 'TP_USAGE', /no place for/],
    ['a missing value', () => byReceived('--keep'), 'TP_USAGE', /--keep needs a value: --keep R/],
    ['an empty output', () => ['prune', mail, '-o', '', ...by], 'TP_USAGE', /-o needs a value: -o OUT/],
    ['an empty value', () => byReceived('--keep='), 'TP_USAGE', /--keep needs a value: --keep R/],
    ['an empty name of a file', () => ['inspect', ''], 'TP_USAGE', /MODEL is empty; give a path/],
    ['an empty one of several', () => ['serve', mail, ''], 'TP_USAGE', /MODEL… is empty; give a path/],
    [
      'a value for a flag',
      () => byReceived('--keep', '0.7', '--no-verify=no'),
      'TP_USAGE',
      /--no-verify takes no value/,
    ],
    ['an option given twice', () => byReceived('--keep', '0.7', '--keep', '0.5'), 'TP_USAGE', /--keep is given twice/],
    ['no output', () => ['quantize', mail], 'TP_USAGE', /-o OUT is missing/],
    ['no method', () => prune('--keep', '0.7'), 'TP_USAGE', /--method NAME .*is missing/],
    ['no budget', () => byReceived(), 'TP_USAGE', /say how many tokens to keep: --keep, /],
    ['two budgets', () => byReceived('--keep', '0.7', '--tokens', '9'), 'TP_USAGE', /only one of --keep and --tokens/],
    ['layers without a method', () => prune('--method', 'none', '--layers', '1'), 'TP_USAGE', /--layers requires/],
    ['a share of FLOPs of no length', () => byReceived('--flops', '0.5'), 'TP_SIZES', /--flops 0\.5@128/],
    ['an unreadable length', () => byReceived('--flops', '0.5@long'), 'TP_USAGE', /--flops is "long"/],
    [
      'an unknown method',
      () => prune('--method', 'recieved', '--keep', '0.7'),
      'TP_UNKNOWN_METHOD',
      /received-attention/,
    ],
    [
      'an unknown layer',
      () => byReceived('--layers', '1,6', '--keep', '0.7'),
      'TP_SCHEDULE',
      /layer 6 .*layers 0 to 5/,
    ],
    ['an invalid layer', () => byReceived('--layers', 'two', '--keep', '0.7'), 'TP_USAGE', /--layers is "two"/],
    ['keep 0', () => byReceived('--keep', '0'), 'TP_SCHEDULE', /keep is 0; it must be at least 0.00005 and at most 1/],
    [
      'keep 1.2',
      () => byReceived('--keep', '1.2'),
      'TP_SCHEDULE',
      /keep is 1.2; it must be at least 0.00005 and at most 1/,
    ],
    ['keep NaN', () => byReceived('--keep', 'NaN'), 'TP_USAGE', /--keep is "NaN"; it must be a number/],
    ['a negative keep', () => byReceived('--keep', '-0.5'), 'TP_SCHEDULE', /keep is -0.5/],
    [
      'a list of another length',
      () => byReceived('--layers', '1,2', '--keep', '1,0.9,0.8'),
      'TP_SCHEDULE',
      /3 values for 2/,
    ],
    ['half a token', () => byReceived('--tokens', '7.5'), 'TP_SCHEDULE', /tokens is 7.5/],
    ['a share of FLOPs above 1', () => byReceived('--flops', '2@128'), 'TP_FLOPS', /at most 1/],
    ['too few FLOPs', () => byReceived('--flops', '0.01@128'), 'TP_FLOPS', /even with the fewest tokens/],
    ['a top of x', () => ['eval', mail, '--data', 'd', '--read', 'top=x'], 'TP_USAGE', /--read top is "x"/],
    [
      'an unknown field of reading',
      () => ['eval', mail, '--data', 'd', '--read', 'tap=1'],
      'TP_USAGE',
      /no --read tap; did you mean --read top=1\? tp eval --help/,
    ],
    ['a mass of 1.5', () => byReceived('--set', 'mass=1.5'), 'TP_SCHEDULE', /mass is 1.5/],
    ['an unknown parameter', () => byReceived('--keep', '0.7', '--param', 'query=3'), 'TP_OPTION', /diagonal, queries/],
    [
      'an invalid parameter',
      () => byReceived('--keep', '0.7', '--param', 'queries=-3'),
      'TP_OPTION',
      /queries is "-3"/,
    ],
    ['a parameter without value', () => byReceived('--keep', '0.7', '--param', 'queries'), 'TP_USAGE', /name=value/],
    [
      'restoring an unknown kind',
      () => byReceived('--keep', '0.7', '--set', 'restore=some'),
      'TP_USAGE',
      /auto, nearest, none, all or weighed/,
    ],
    [
      'protecting an unknown kind',
      () => byReceived('--keep', '0.7', '--set', 'protect=cls'),
      'TP_USAGE',
      /--set protect is "cls"/,
    ],
    [
      'protecting a position out of range',
      () => digitsWith('--keep', '0.7', '--set', 'protect=197'),
      'TP_PROTECT',
      /197 does not exist/,
    ],
    ['more tokens than the model has', () => digitsWith('--tokens', '300'), 'TP_SCHEDULE', /always has 197/],
    ['a length that the model never has', () => digitsWith('--flops', '0.5@300'), 'TP_SCHEDULE', /always has 197/],
    ['no data', () => ['eval', mail], 'TP_USAGE', /--data PATH is missing/],
    [
      'a budget without methods',
      () => ['eval', mail, '--data', 'x.tsv', '--keep', '0.7'],
      'TP_USAGE',
      /--keep requires --methods/,
    ],
    [
      'an unread parameter',
      () => ['eval', mail, '--data', 'x', '--methods', 'random', '--keep', '1', '--param', 'a=b'],
      'TP_USAGE',
      /--param a/,
    ],
    ['an invalid shape', () => ['bench', mail, '--shapes', '1x'], 'TP_USAGE', /8x128/],
    ['a length alone', () => ['bench', mail, '--shapes', '128'], 'TP_SIZES', /did you mean 1x128\?/],
    ['a mistyped task', () => ['eval', mail, '--data', 'x', '--task', 'rankin'], 'TP_USAGE', /did you mean ranking\?/],
    ['no threads', () => ['bench', mail, '--threads', '0'], 'TP_USAGE', /whole number from 1/],
    [
      'a required speed-up without a comparison',
      () => ['bench', mail, '--min-speedup', '2'],
      'TP_USAGE',
      /--against OTHER/,
    ],
    [
      'two comparisons',
      () => ['bench', mail, '--against', mail, '--method', 'none'],
      'TP_USAGE',
      /only one of --method and --against/,
    ],
  ])('%s', async (_, args, errorCode, message) => {
    const { code, stdout, stderr } = await tpHere(args())
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(`code: ${errorCode}`)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(folder.files()).toEqual([])
  })
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

test('takes a negative number as a value and not as an option', async () => {
  const { code, stderr } = await tpHere(byReceived('--set', 'threshold=-0.5', '--layers', '1', '--set', 'protect=-1'))
  expect(stderr).toContain('--set protect is -1')
  expect(code).toBe(2)
})

function digitsWith(...args: string[]): string[] {
  return ['prune', digits, '-o', folder.at('out.onnx'), '--method', 'received-attention', ...args]
}

/** A hook for `node --import` that lets nobody load onnxruntime. */
const noRuntime = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent(\`
    export function resolve(specifier, context, next) {
      if (specifier.startsWith('onnxruntime')) throw new Error('no runtime here')
      return next(specifier, context)
    }\`))`)}`
