import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../command.mjs'
import { judged } from '../outcome.mjs'
import { root } from '../workspace.mjs'

/** @typedef {import('../outcome.mjs').Outcome} Outcome */

/** onnxruntime of PyPI as the operators are tried with it: the oldest that has what they need, and the newest. */
const versions = ['onnxruntime==1.17.*', 'onnxruntime']

const operators = join(root, 'packages/operators')
const mail = join(root, 'packages/models/mail/model.onnx')

/** Fails in mypy unless the package has its types. */
const typedUse = 'import tp_operators\npath: str = tp_operators.get_library_path()\ntp_operators.session_options(None)'

/** The blocks of Python of a page, one after the other. @param {string} file relative to the root */
function blocksOf(file) {
  const text = readFileSync(join(root, file), 'utf8')
  return Array.from(text.matchAll(/^```py\n(.*?)^```$/gms), ([, code]) => code).join('\n')
}

/**
 * The wheel as a user of Python installs it, in environments of their own.
 * @param {string} scratch a folder for temporary files
 * @returns {Promise<Outcome[]>}
 */
export async function checkPython(scratch) {
  const base = process.env.TP_PYTHON ?? 'python3'
  const skipped = (/** @type {string} */ name, /** @type {string} */ note) =>
    /** @type {const} */ ({ name, state: 'skipped', note: note.split('\n').at(-1) ?? '' })
  const run = (/** @type {readonly string[]} */ command) => runCommand(command, { cwd: scratch })

  const built = await run([process.execPath, join(operators, 'build.mjs'), '--to', scratch])
  if (!built.ok) return [skipped('wheel of the operators', built.output)]
  const target = `${process.platform}-${process.arch}`
  const wheel = await run([base, join(operators, 'python/wheel.py'), target, '--libraries', scratch, '--to', scratch])
  const startsNot = /ENOENT|not found/.test(wheel.output)
  if (startsNot) return [skipped('wheel of the operators', `${base} cannot be started; TP_PYTHON names another`)]
  const outcomes = [judged('wheel of the operators', wheel.ok ? [] : [wheel.output])]
  if (!wheel.ok) return outcomes
  const tp = join(root, 'packages/cli/bin/tp.js')
  const packed = join(scratch, 'packed.onnx')
  const pack = await run([process.execPath, tp, 'pack', mail, '-o', packed])
  if (!pack.ok) return [...outcomes, judged('packed model', [pack.output])]

  for (const version of versions) {
    const name = `wheel of the operators in ${version}`
    const environment = join(scratch, `python-${versions.indexOf(version)}`)
    const python = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
    const made = await run([base, '-m', 'venv', environment])
    if (!made.ok || !existsSync(python)) {
      outcomes.push(skipped(name, `${base} makes no environments: ${made.output}`))
      continue
    }
    const pip = [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    const installed = await run([...pip, '--no-index', wheel.output])
    const alone = await run([python, '-c', 'import tp_operators; print(tp_operators.get_library_path())'])
    outcomes.push(
      judged(
        `${name}: it can be imported before`,
        [installed, alone].filter(({ ok }) => !ok).map(({ output }) => output),
      ),
    )
    const fetched = await run([...pip, version, 'numpy<2', 'mypy'])
    if (!fetched.ok) {
      outcomes.push(skipped(name, fetched.output))
      continue
    }
    const ran = await run([python, join(root, 'tools/check/python/session.py'), packed, mail])
    const page = await run([python, '-c', blocksOf('docs/packing.md')])
    const typed = await run([python, '-m', 'mypy', '--strict', '-c', typedUse])
    outcomes.push(
      judged(
        name,
        [ran, page, typed].filter(({ ok }) => !ok).map(({ output }) => output),
      ),
    )
  }
  return outcomes
}
