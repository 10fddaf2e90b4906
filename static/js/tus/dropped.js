// The files of a drop, those in its folders included, each with its path.

// Has to be called while the drop is handled: afterwards the browser forgets what it held.
export async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const found = await Promise.all(entries.map(filesIn));
  return found.flat();
}

async function filesIn(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.replace("/", ""), inFolder: entry.fullPath.lastIndexOf("/") > 0 }];
  }
  const found = await Promise.all((await childrenOf(entry)).map(filesIn));
  return found.flat();
}

// A reader hands out some at a time, and none when it is through.
async function childrenOf(folder) {
  const reader = folder.createReader();
  const children = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return children.sort((a, b) => a.name.localeCompare(b.name));
    children.push(...some);
  }
}
