import { dirname } from 'node:path'
import { TpError } from '@tp/core'

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; make room or write to another one',
  EDQUOT: 'your quota on this disk is used up; make room or write to another one',
  EFBIG: 'the file is larger than this file system or its limits allow; write to another one',
  EACCES: 'writing there is not allowed; choose another folder or change its permissions',
  EPERM: 'writing there is not allowed; choose another folder or change its permissions',
  EROFS: 'that file system is read-only; choose another folder',
  ENOTDIR: 'a part of the path is a file, not a folder; choose another path',
  ENAMETOOLONG: 'the name is too long; choose a shorter one',
}

/** Why a file could not be written, and what to do. No partial file remains when it is thrown. */
export function writeError(path: string, cause: unknown): TpError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const known = code === 'ENOENT' ? `the folder ${dirname(path)} does not exist; create it first` : advice[code]
  return new TpError('TP_WRITE', 'tp', `${path} was not written: ${known ?? message}`, { cause })
}
