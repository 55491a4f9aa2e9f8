import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type RealModelName, realModels } from './real-model.ts'

/** The folder that `TP_MODELS` names, or one in the platform's folder of caches. */
export function modelCache(): string {
  return process.env.TP_MODELS ?? join(platformCache(), 'tp-models')
}

function platformCache(): string {
  switch (process.platform) {
    case 'darwin':
      return join(homedir(), 'Library', 'Caches')
    case 'win32':
      return process.env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local')
    default:
      return process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  }
}

/** Where a model lies, or will lie. */
export function modelFolder(name: RealModelName): string {
  return join(modelCache(), name)
}

/**
 * Path of a model's ONNX file, with what its task needs in the same folder, or in the one above `onnx` (tokenizer.json, config.json).
 * @returns undefined unless `npm run models` has put it there
 */
export function realModel(name: RealModelName): string | undefined {
  const path = join(modelFolder(name), realModels[name].file)
  return existsSync(path) ? path : undefined
}
