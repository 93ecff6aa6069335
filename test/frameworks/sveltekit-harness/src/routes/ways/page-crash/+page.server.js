export const load = () => {
  throw new Error("failed on purpose");
};
