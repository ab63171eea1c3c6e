/** Bytes as gigabytes, for a person: "28.4 GB"; what is less than a tenth of one, as "28.4 MB". */
export const gigabytes = (bytes: number) =>
  bytes >= 1e8 || bytes === 0 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
