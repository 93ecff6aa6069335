import {
  Body,
  Controller,
  Get,
  HttpException,
  Injectable,
  Module,
  Post,
  Redirect,
  UseGuards,
} from "@nestjs/common";
import type { CanActivate } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { session, type SessionOptions } from "hipflask";
import { sessions } from "hipflask/express";

@Injectable()
class LoggedIn implements CanActivate {
  canActivate() {
    return "username" in session;
  }
}

@Controller()
class ShopController {
  @Get()
  index() {
    return `hello, ${session.username ?? "stranger"}\n`;
  }

  @Post("login")
  @Redirect("/", 303)
  login(@Body("username") username: string) {
    session.regenerate();
    session.username = username;
  }

  @Post("pay")
  @UseGuards(LoggedIn)
  pay() {
    session.attempts = (session.attempts ?? 0) + 1;
    throw new HttpException(`attempt ${session.attempts}: no money`, 402);
  }
}

@Module({ controllers: [ShopController] })
class AppModule {}

export async function createApp(options: SessionOptions) {
  const app = await NestFactory.create(AppModule);
  app.use(sessions(options));
  return app;
}
