/** Codes of the operating system for what one machine lacks and another may have. */
const codes = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'EPERM']);

/** Whether an error is of this machine, such as a full disk, and not of what was to be done. */
export const ofMachine = (error: unknown): boolean => codes.has(String((error as { code?: unknown }).code));
