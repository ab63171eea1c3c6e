// Are the files of a model what they were when they came? In the hub's cache a file's bytes are named by their
// hash; of other models only the form can be checked: names, shapes, sizes.
import path from 'node:path';
import {EmuError} from '../errors.js';
import {hubCacheFolder} from '../userFolders.js';
import {cachedFiles} from '../weights/cachedFiles.js';
import {findInHubCache, repoFolder} from '../weights/hubCache.js';
import {findModel} from '../weights/locate.js';
import {openUnet, openVae} from '../weights/diffusionFolder.js';
import {openModel} from '../weights/openModel.js';
import {openSafetyChecker} from '../weights/safetyFolder.js';
import {hashFile, hashKind} from './verify.js';

export interface VerifiedFile {
  readonly file: string;
  /** By its hash, or its form only. */
  readonly by: 'hash' | 'form';
  /** What is wrong with it and how to mend it; undefined: nothing. */
  readonly problem?: string;
}

/** Checks every file of a model by name, folder or file. Throws ModelError for a name that is not known. */
export async function verifyModel(
  name: string,
  onProgress: (file: string, fraction: number) => void,
): Promise<VerifiedFile[]> {
  const hub = findInHubCache(name);
  const place = hub?.path ?? findModel(name).folder ?? findModel(name).checkpoint;
  const hashed = hub ? await verifyHashes(hub, onProgress) : [];
  if (hashed.some(({problem}) => problem !== undefined)) return hashed;
  return [...hashed, verifyForm(place)];
}

async function verifyHashes(
  {snapshot, place}: NonNullable<ReturnType<typeof findInHubCache>>,
  onProgress: (file: string, fraction: number) => void,
): Promise<VerifiedFile[]> {
  const isMeant = (file: string) => place === '' || file === place || file.startsWith(`${place}/`);
  const files = cachedFiles(snapshot.folder).filter((file) => isMeant(file.path));
  const total = files.reduce((sum, {size}) => sum + size, 0);
  const blobs = path.join(repoFolder(hubCacheFolder(), snapshot.repo), 'blobs');
  const [, revision] = snapshot.name.split('@');
  const pull = `\`emu pull ${snapshot.repo}${revision ? ` --revision ${revision}` : ''}\``;
  const verified: VerifiedFile[] = [];
  let done = 0;
  for (const {path: file, name, blob, size} of files) {
    const problem = (what: string) => verified.push({file: name, by: 'hash', problem: what});
    if (blob === undefined) {
      problem(`its bytes are gone; ${pull} fetches them`);
      continue;
    }
    const hash = path.basename(blob);
    if (path.dirname(blob) !== blobs || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) {
      problem(`no hash is known of it; delete it, then ${pull} fetches it`);
      continue;
    }
    let read = 0;
    const found = await hashFile(blob, hashKind(hash), (count) => {
      read += count;
      onProgress(file, total === 0 ? 1 : (done + read) / total);
    });
    done += size;
    if (found === hash) verified.push({file: name, by: 'hash'});
    else problem(`its bytes have changed: their hash is ${found}; delete ${blob}, then ${pull}`);
  }
  return verified;
}

/** Opens everything that the model is loaded from; reads headers only. */
function verifyForm(place: string): VerifiedFile {
  try {
    const {location, checkpoint, tuning} = openModel(place);
    const {decoderFolder: folder} = location;
    const decoder =
      folder === undefined
        ? []
        : [
            openUnet(path.join(folder, 'unet')),
            openVae(path.join(folder, 'vae')),
            openSafetyChecker(folder),
          ];
    for (const part of decoder) part?.checkpoint.close();
    tuning?.checkpoint.close();
    checkpoint.close();
    return {file: place, by: 'form'};
  } catch (error) {
    if (!(error instanceof EmuError)) throw error;
    return {file: place, by: 'form', problem: error.message};
  }
}
