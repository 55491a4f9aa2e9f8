import { readFolderJson } from '../inputs/model-folder.ts'

/** Ids of the tokens that end a text, by generation_config.json or config.json next to the model; empty where neither says it. */
export async function readEndTokens(path: string): Promise<readonly number[]> {
  for (const name of ['generation_config.json', 'config.json']) {
    const { eos_token_id: ends } = (await readFolderJson(path, name)) as { readonly eos_token_id?: number | number[] }
    if (typeof ends === 'number' || Array.isArray(ends)) return [ends].flat()
  }
  return []
}
