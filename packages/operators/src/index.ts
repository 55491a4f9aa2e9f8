import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { TpError } from '@tp/core'

/**
 * Path of the library with the operators of packed models, which every onnxruntime can register that runs on this machine.
 * @throws TpError TP_RUNTIME_MISSING where the package has none for the machine
 * @example
 * const child = spawn('python3', ['serve.py', '--operators', libraryPath()])
 */
export function libraryPath(): string {
  const machine = `${process.platform}-${process.arch}`
  const names: Readonly<Record<string, string>> = { darwin: 'libtp_operators.dylib', win32: 'tp_operators.dll' }
  const name = names[process.platform] ?? 'libtp_operators.so'
  const path = fileURLToPath(new URL(`../prebuilds/${machine}/${name}`, import.meta.url))
  if (existsSync(path)) return path
  throw new TpError(
    'TP_RUNTIME_MISSING',
    'operators',
    `there is no library for ${machine}. With a C++ compiler run, in the folder of @tp/operators: node build.mjs`,
  )
}
