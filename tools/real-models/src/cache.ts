import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { realModels } from './models/published.ts'
import type { RealModelName } from './models/real-model.ts'
import type { SuiteName } from './suites/suite.ts'
import type { TrainedModelName } from './trained/trained-model.ts'

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

/** Where a suite of data lies, or will lie. */
export function suiteFolder(name: SuiteName): string {
  return join(modelCache(), 'data', name)
}

/** Folder of a suite of data. @returns undefined unless `npm run models` has put it there */
export function realSuite(name: SuiteName): string | undefined {
  const folder = suiteFolder(name)
  return existsSync(folder) ? folder : undefined
}

/** Where a model that is trained here lies, or will lie. */
export function trainedFolder(name: TrainedModelName): string {
  return join(modelCache(), name)
}

/** Path of the ONNX file of a model that is trained here. @returns undefined unless `npm run models` has made it */
export function trainedModel(name: TrainedModelName): string | undefined {
  const path = join(trainedFolder(name), 'model.onnx')
  return existsSync(path) ? path : undefined
}
