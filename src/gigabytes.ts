/** Bytes as gigabytes, for a person: "28.4 GB". */
export const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
