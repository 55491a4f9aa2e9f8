import { folderStore } from './folder-store.ts'
import { isBucketUrl, s3Store } from './s3-store.ts'
import type { Store } from './store.ts'

/** @param place a folder, or `s3://bucket/prefix` @throws TpError TP_OPTION, TP_STORAGE */
export async function openStore(place: string): Promise<Store> {
  return isBucketUrl(place) ? await s3Store(place) : folderStore(place)
}
