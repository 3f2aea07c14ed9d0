@echo off
rem Starts otlpd: start.bat [flags of otlpd serve], for example start.bat --api-port 8765
where otlpd >nul 2>nul && (otlpd serve %* & exit /b %ERRORLEVEL%)
py -m otlpd serve %*
exit /b %ERRORLEVEL%
