import { expect, test } from 'vitest'
import { callsOf } from './shell.mjs'

/** @param {string} script */
const calls = (script) => callsOf([script])[0]

test('finds each program that a script calls, with its arguments as bash reads them', () => {
  const script = `npx tp prune "my model.onnx" \\
  --keep 0.7   # a comment
A=b tp pack x.onnx && (cd packages/core && npx vitest) | head -n 3`
  // Programs of a pipe start in any order.
  expect(calls(script)?.sort()).toEqual([
    ['cd', 'packages/core'],
    ['head', '-n', '3'],
    ['npx', 'tp', 'prune', 'my model.onnx', '--keep', '0.7'],
    ['npx', 'vitest'],
    ['tp', 'pack', 'x.onnx'],
  ])
})

test('runs nothing, and waits for nothing', () => {
  const script =
    "tp serve model.onnx &\nuntil curl -s localhost; do sleep 1; done\nkill $!\ncat > notes <<'END'\nrm -r x\nEND"
  expect(
    calls(script)
      ?.map(([program]) => program)
      .sort(),
  ).toEqual(['cat', 'curl', 'tp'])
})

test('reads each script by itself', () => {
  expect(callsOf(['A=tp', '$A prune', 'tp methods'])).toEqual([[], [['prune']], [['tp', 'methods']]])
})

test('refuses what bash cannot read, and what writes to the machine', () => {
  expect(() => calls('npx vitest run -t <name>')).toThrow('syntax error')
  expect(() => calls('tp doctor > /etc/doctor')).toThrow('writes outside')
})
