import { waiting } from "../waiting";

export const POST = () => {
  for (const resolve of waiting) resolve(undefined);
  waiting.clear();
  return new Response();
};
